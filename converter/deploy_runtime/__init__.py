"""What deploy.py is made of: `render` pastes these functions and classes as they stand.

Python 3.8, numpy 1.21 and cv2 4.5.5 or newer are all that a deployment has. cv2 is imported inside the functions that
use it: with the NumPy backend a program needs it for nothing but reading picture files.
"""
