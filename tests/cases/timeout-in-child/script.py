import subprocess


def main():
    print('waiting', flush=True)
    subprocess.run(['sleep', '60'])
