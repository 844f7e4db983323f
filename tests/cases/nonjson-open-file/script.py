def main():
    return open('/dev/null')
