def main():
    raise GeneratorExit('x')
