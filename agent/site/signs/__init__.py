"""Signs: what is printed and hung beside the camera, drawn from the signed policy, and attested when it hangs."""
