def main():
    assert 1 == 2, 'sums are off'
