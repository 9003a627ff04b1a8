"""What hostile hands make of the documents of people: each must come to nothing."""
