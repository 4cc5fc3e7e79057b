"""OpenCV without its own threads.

Callers process several images in parallel; OpenCV's threads, which divide a single image, would
only compete with them.
"""
import cv2

cv2.setNumThreads(0)

__all__ = ['cv2']
