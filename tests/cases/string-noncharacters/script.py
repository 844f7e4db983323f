def main():
    return "\ufffe\uffff\U0001fffe"
