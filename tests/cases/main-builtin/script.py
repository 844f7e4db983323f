main = dict
