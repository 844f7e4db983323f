print('loading')
values = {}
x = values['missing']


def main():
    return 1
