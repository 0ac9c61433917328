"""What engines that make or mend pictures share: what they are given in one form, and what they give."""
