"""Brightness for image alignment, normalised locally because exposure changes between frames."""
import numpy as np

from vo_common.opencv import cv2

_WINDOW_SIGMA = 8.0  # pixels, of the Gaussian window for local mean and contrast
_LEAST_CONTRAST = 4.0  # gray levels, added to the local contrast


def sampled_at(image, x, y):
    """Interpolates the image [H, W, C] bilinearly at P interior points: float64 [C, P].

    More precise than OpenCV's remap, which rounds the points to 1/32 pixel.
    """
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    width, channels = image.shape[1:]
    flat, place = image.reshape(-1, channels), row * width + column
    return ((flat[place].T * (1 - right) + flat[place + 1].T * right) * (1 - down)
            + (flat[place + width].T * (1 - right) + flat[place + width + 1].T * right) * down)


def normalised(image, blur):
    """The blurred image minus its local mean, divided by its local contrast: float32 [H, W]."""
    image = cv2.GaussianBlur(image, (0, 0), blur)
    mean = cv2.GaussianBlur(image, (0, 0), _WINDOW_SIGMA)
    square = cv2.GaussianBlur((image - mean) ** 2, (0, 0), _WINDOW_SIGMA)
    return (image - mean) / (np.sqrt(square) + _LEAST_CONTRAST)


def gradients(image):
    """Central differences in x and y, each float32 [H, W]."""
    kernel = np.array([-0.5, 0, 0.5], np.float32)
    one = np.ones(1, np.float32)
    return (cv2.sepFilter2D(image, cv2.CV_32F, kernel, one),
            cv2.sepFilter2D(image, cv2.CV_32F, one, kernel))


def steepest(gradient, cell, margin):
    """Row and column int [P] of the pixel with the steepest gradient [H, W, 2] in each square cell.

    `cell` is the side of a cell in pixels, `margin` the width of the border that is left out.
    """
    steepness = np.square(gradient[margin:-margin, margin:-margin]).sum(axis=-1)
    rows, columns = (size // cell for size in steepness.shape)
    cells = steepness[:rows * cell, :columns * cell].reshape(rows, cell, columns, cell)
    place = cells.transpose(0, 2, 1, 3).reshape(rows, columns, -1).argmax(-1)
    row = margin + np.arange(rows)[:, np.newaxis] * cell + place // cell
    column = margin + np.arange(columns) * cell + place % cell
    return row.ravel(), column.ravel()
