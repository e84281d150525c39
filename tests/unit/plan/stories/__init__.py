"""What may happen to a model, each told in a sentence, with all that can be seen afterwards."""
