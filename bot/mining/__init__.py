"""Knowledge mined from what there is: drafts for people to review, and lists of what they should look at."""
