def main():
    print 'x'
