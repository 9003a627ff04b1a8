"""What `scripts/build_cast` is made of: cutting people out, changing faces, painting the backdrop, the margin check."""
