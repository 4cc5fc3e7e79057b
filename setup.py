"""Installs the packages; TensorFlow itself is chosen by scripts/setup_env.sh or the image."""
import setuptools

PACKAGES = ['common', 'kitti_data', 'npu_runtime', 'geonet', 'convlstm_vo', 'kitti_eval']

setuptools.setup(
    name='kitti-odometry-npu',
    version='1.0.0',
    description='GeoNet and ConvLSTM visual odometry on KITTI, TensorFlow 1.15, Ascend 910 to CPU',
    license='Apache-2.0',
    python_requires='>=3.7,<3.12',
    packages=[name for name in setuptools.find_packages() if name.split('.')[0] in PACKAGES],
    package_data={'kitti_data': ['splits/*.txt'], 'npu_runtime.devices': ['*.txt', '*.json']},
    install_requires=['numpy<1.24', 'scipy', 'imageio', 'opencv-python',
                      'Pillow', 'matplotlib', 'evo', 'tqdm'],
    extras_require={
        'cpu': ['tensorflow-cpu==1.15.0', 'protobuf<3.21', 'numpy<1.20'],
        'gpu': ['tensorflow==1.15.0', 'protobuf<3.21', 'numpy<1.20'],
        'onnx': ['tf2onnx==1.14.0', 'onnx==1.14.1', 'onnxruntime==1.14.1'],
    },
    entry_points={'console_scripts': [
        'geonet=geonet.main:run',
        'convlstm-vo=convlstm_vo.main:run',
    ]},
)
