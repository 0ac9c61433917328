"""The doors: submit, claim, beat, finish, cancel, watch. Plain values go in and out; SQL stays inside."""
