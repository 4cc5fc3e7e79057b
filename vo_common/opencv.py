"""OpenCV as every module here takes it: without threads of its own.

What calls it works on several images at a time already; OpenCV's threads, which share out a single
one, would only take the processors away from the others.
"""
import cv2

cv2.setNumThreads(0)

__all__ = ['cv2']
