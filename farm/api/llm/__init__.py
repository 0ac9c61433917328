"""Language models as one API process calls them: who is asked next, what came, and what it comes to."""
