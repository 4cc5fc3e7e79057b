"""OpenCV without threads of its own.

Callers already work on several images at a time; OpenCV's threads, which divide a single image,
would only compete with them.
"""
import cv2

cv2.setNumThreads(0)

__all__ = ['cv2']
