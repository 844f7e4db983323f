def main():
    return "\u2028\u2029\x85\ufeff"
