"""Scenes: text files that say what a simulated camera sees, and what is true about it.

`script` reads the file, `cast` the people's pictures, `stage` says who stands where at an instant, `render` paints
frames. `truth` says what is lawful and may be imported by the demo's and the tests' own code only.
"""
