def is_prime(number):
    return number > 1 and all(number % other for other in range(2, int(number ** 0.5) + 1))
