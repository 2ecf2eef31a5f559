"""torch2cv: PyTorch models that run in OpenCV, with PyTorch's numbers."""
