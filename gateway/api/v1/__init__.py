"""What integrators call: one module for each subject of `/v1`."""
