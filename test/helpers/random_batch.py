"""Training examples with smooth, moving images."""
import numpy as np


def random_batch(config, batch_size):
    """Smooth uint8 images that move, and a camera of the right size."""
    height, width = config.img_height, config.img_width
    rng = np.random.RandomState(7)
    y, x = np.mgrid[:height, :width]
    frames = []
    for time in range(config.seq_length):
        phases = rng.uniform(0, 0.3, [batch_size, 1, 1, 3]) + time * 0.4
        wave = np.sin(x[..., None] / 5 + phases) + np.cos(y[..., None] / 4 - phases)
        frames.append(127 + 55 * wave + rng.uniform(-8, 8, wave.shape))
    frames = np.clip(frames, 0, 255).astype(np.uint8)
    camera = np.array([[0.6 * width, 0, width / 2.1], [0, 1.9 * height, height / 1.9], [0, 0, 1]])
    return {'frames': np.concatenate(frames, axis=-1),
            'intrinsics': np.tile(camera, (batch_size, 1, 1)).astype(np.float32)}
