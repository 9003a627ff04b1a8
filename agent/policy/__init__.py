"""The trusted kernel: it decides, before any model sees a pixel, whether recognition is permitted, and says why not."""
