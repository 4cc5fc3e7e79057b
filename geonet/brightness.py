"""Brightness of images to be aligned: normalised locally, since exposure changes between frames."""
import numpy as np

from vo_common.opencv import cv2

_NORMALISED_OVER = 8.0  # pixels, of the window in which brightness is normalised
_LEAST_CONTRAST = 4.0  # gray levels


def sampled_at(image, x, y):
    """float64 [C, P]: the image [H, W, C] at points inside, linearly interpolated; the points of
    OpenCV's remap are rounded to 1/32 pixel."""
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    width, channels = image.shape[1:]
    flat, place = image.reshape(-1, channels), row * width + column
    return ((flat[place].T * (1 - right) + flat[place + 1].T * right) * (1 - down)
            + (flat[place + width].T * (1 - right) + flat[place + width + 1].T * right) * down)


def normalised(image, blur):
    """float32 [H, W]: the blurred image less its local mean, over its local contrast."""
    image = cv2.GaussianBlur(image, (0, 0), blur)
    mean = cv2.GaussianBlur(image, (0, 0), _NORMALISED_OVER)
    square = cv2.GaussianBlur((image - mean) ** 2, (0, 0), _NORMALISED_OVER)
    return (image - mean) / (np.sqrt(square) + _LEAST_CONTRAST)


def gradients(image):
    """Central differences in x and y, each float32 [H, W]."""
    kernel = np.array([-0.5, 0, 0.5], np.float32)
    one = np.ones(1, np.float32)
    return (cv2.sepFilter2D(image, cv2.CV_32F, kernel, one),
            cv2.sepFilter2D(image, cv2.CV_32F, one, kernel))


def steepest(gradient, cell, margin):
    """Row and column int [P] of the pixel with the steepest gradient in each cell.

    Args:
      gradient: float32 [H, W, 2].
      cell: pixels, side of a square cell.
      margin: pixels at each border that belong to no cell.
    """
    steepness = np.square(gradient[margin:-margin, margin:-margin]).sum(axis=-1)
    rows, columns = (size // cell for size in steepness.shape)
    cells = steepness[:rows * cell, :columns * cell].reshape(rows, cell, columns, cell)
    place = cells.transpose(0, 2, 1, 3).reshape(rows, columns, -1).argmax(-1)
    row = margin + np.arange(rows)[:, np.newaxis] * cell + place // cell
    column = margin + np.arange(columns) * cell + place % cell
    return row.ravel(), column.ravel()
