try:
    import no_such_module
except ImportError:
    no_such_module = None


def main():
    return no_such_module
