"""Installs the packages. TensorFlow comes from an extra, scripts/setup_env.sh or the image."""
import os

import setuptools

PACKAGES = ['vo_common', 'kitti_data', 'npu_runtime', 'geonet', 'convlstm_vo', 'kitti_eval']
# Direct imports of the packages, in any version that fits the installed TensorFlow.
IMPORTED = ['numpy', 'scipy', 'opencv-python-headless', 'Pillow', 'matplotlib', 'evo', 'imageio',
            'imageio-ffmpeg', 'tabulate', 'tqdm']


def listed(name):
    """The requirements in a file in this folder: list of str."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, encoding='utf-8') as lines:
        return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


setuptools.setup(
    name='kitti-odometry-npu',
    version='1.0.0',
    description='GeoNet and ConvLSTM visual odometry on KITTI, TensorFlow 1.15 to the newest, '
                'Ascend 910, GPU and CPU',
    license='Apache-2.0',
    python_requires='>=3.7',
    packages=[name for name in setuptools.find_packages() if name.split('.')[0] in PACKAGES],
    package_data={'kitti_data': ['splits/*.txt'], 'npu_runtime.devices': ['*.txt', '*.json']},
    install_requires=IMPORTED,
    extras_require={
        'reference': listed('requirements.txt'),
        'newest': listed('requirements-newest.txt'),
        'gpu': ['tensorflow==1.15.0; python_version < "3.8"',
                'tensorflow[and-cuda]>=2.14; python_version >= "3.9"'],
        'onnx': ['tf2onnx==1.14.0; python_version < "3.8"', 'onnx==1.14.1; python_version < "3.8"',
                 'onnxruntime==1.14.1; python_version < "3.8"',
                 'tf2onnx>=1.17; python_version >= "3.10"', 'onnx; python_version >= "3.10"',
                 'onnxruntime; python_version >= "3.10"'],
    },
    entry_points={'console_scripts': [
        'geonet=geonet.main:run',
        'convlstm-vo=convlstm_vo.main:run',
    ]},
)
