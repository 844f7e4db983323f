main = lambda: 'from a lambda'
