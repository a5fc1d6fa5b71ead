"""Goals outside the domain: unrelated ones, and near misses of each family."""

from __future__ import annotations

import random
import re

from domain import FAMILIES
from wording import LANGUAGE_WORDS, OPENERS, TAILS, THINGS, conjugate, describe, make_goal

NEAR = """
add three numbers|add four numbers|add two matrices|add two vectors|add two strings|add two lists element by element|add two fractions|add two complex numbers
add two numbers given as strings|add days to a date|add an item to a list|add and subtract two numbers|add two numbers and print the result
subtract two dates|subtract three numbers|subtract one list from another|subtract a from b|subtract two sets|subtract two vectors
multiply two matrices|multiply three numbers|multiply a matrix by a vector|multiply all numbers in a list|multiply two polynomials|multiply every item of a list by two
divide two numbers and raise an error on zero|divide a list into chunks|divide two numbers with rounding|return the remainder of two numbers|divide two matrices
return the larger of three numbers|return the largest of three values|return the longer of two strings|return the larger of two lists|return the middle of three numbers
find the second largest number in a list|find the index of the maximum in a list|find the longest string in a list|find the largest two numbers in a list|find the maximum of a matrix
find the smallest missing number|find the shortest word|find the index of the smallest number|find the minimum of a tree|find the minimum spanning tree
sum the digits of a number|sum the even numbers in a list|sum the squares of a list|sum a matrix|sum the numbers from 1 to n|sum two lists|sum the values of a dictionary|sum of primes below n
compute the median of a list|compute the mode of a list|compute the mean ignoring outliers|compute the weighted mean|compute the geometric mean|compute the standard deviation|compute the variance|compute the moving average|compute the mean of each column
check whether a number is even and positive|check whether all numbers in a list are even|filter the even numbers|count the even numbers in a list|check whether a number is odd and larger than ten|print all odd numbers up to n|split a list into even and odd
compute the square root of a number|check whether a number is a perfect square|square every number in a list|compute the sum of squares|draw a square|compute the cube of a number
check whether a number is a power of two|compute the power set|compute modular exponentiation|compute the logarithm of a number|compute the nth root
compute the absolute difference of two numbers|take the absolute value of every item in a list|resolve an absolute path|round a number
clamp every value of a list|normalise a value to a range|interpolate between two values|map a value from one range to another|wrap a value around a range
compute the factorial with memoisation to a file|compute the double factorial|compute permutations|compute binomial coefficients|count trailing zeros of a factorial|compute the factorials of a list
list the first n fibonacci numbers|compute fibonacci numbers up to n|check whether a number is a fibonacci number|print the fibonacci sequence|compute the tribonacci number|sum the even fibonacci numbers|a fibonacci generator
compute the gcd of a list|compute the gcd of three numbers|list all divisors of a number|compute the extended euclidean algorithm|simplify a fraction|compute the lcm of a list|compute the lcm of three numbers|list the multiples of a number
list the prime numbers up to n|find the prime factors of a number|find the nth prime|find the next prime|sieve of eratosthenes|count the primes below n|check whether two numbers are coprime
reverse a list|reverse the words of a string|reverse a linked list|reverse a number|reverse the digits of an integer|reverse each word in a sentence|reverse a dictionary
check whether a string is a palindrome ignoring punctuation|find the longest palindrome|check whether a number is a palindrome|check whether a list is a palindrome|check whether a sentence is a palindrome ignoring case|count palindromes
count consonants in a string|count the letters of a string|count the digits in a string|count the lines in a file|count the characters in a string|count each vowel separately|remove the vowels from a string|replace the vowels with stars
count the unique words in a text|find the longest word|count how often each word occurs|split a string into words|count the sentences in a text|count words in a file
upper-case only the first letter of a string|convert a string to lower case|swap the case of a string|convert a string to snake case|convert a string to camel case|convert a string to kebab case|check whether a string is upper case|capitalise only the first word|count the upper case letters|convert every second letter to upper case
remove duplicates from a string|find the duplicates in a list|count duplicates|remove duplicate lines from a file|remove duplicates without keeping order|merge two lists without duplicates|remove empty items from a list|group duplicates
sort a list in ascending order|sort a list|sort a list of strings by length|sort a dictionary by value|implement quicksort|implement merge sort|implement bubble sort|sort words alphabetically|check whether a list is sorted|sort a list of objects
fizzbuzz with custom words|print fizzbuzz to a file|fizzbuzz as a web page|a fizzbuzz game|convert fahrenheit to celsius|convert celsius to kelvin|convert kelvin to celsius|convert miles to kilometres|convert kelvin to fahrenheit|convert celsius to fahrenheit for a list|read the temperature from a sensor
group words by anagram|find all anagrams of a word|check whether three strings are anagrams|list all permutations of a string|flatten a list deeply|flatten a nested dictionary|flatten a tree|flatten any depth of nesting|flatten an object|nest a flat list
count the occurrences of each value in a list|count the occurrences of a letter in a string|count how often a word occurs in a text|count the numbers larger than ten|find the most common value in a list|count the values in a dictionary|count the items in a list
add 5 to every item of a list|add 5 percent to a number|multiply every number in a list by 3|multiply a number by 3 and add 4|check whether a number is divisible by 3 and 5|list the numbers divisible by 7|return the last 3 items of a list|return the first 3 characters of a string|return every 2nd item of a list|return the first 3 words|skip the first 4 items|subtract 5 from a number|divide a number by 4|count the numbers divisible by 3|add 3 and 4 to a number
""".replace("\n", "|").strip("|").split("|")

UNRELATED = """
a web server with three routes|a REST endpoint that adds two numbers|a CLI that adds two numbers|a todo list app|a snake game|tic tac toe|a chess engine|a chat bot|a login page|a CSS layout with two columns
a React component for a button|a database schema for orders|an SQL query for the top customers|parse a CSV file|parse JSON|parse a date|parse command line arguments|a markdown parser|a tokenizer|a compiler for a small language
a binary search|binary search in a sorted list|a binary tree|a linked list|a stack class|a queue class|a hash map|a priority queue|depth-first search|breadth-first search in a graph|Dijkstra's shortest path|the knapsack problem|n queens|a sudoku solver|the towers of hanoi|game of life
download a web page|scrape a website|send an email|read a file|write a file|copy a folder|rename files|watch a directory|zip a folder|upload a file to S3|resize an image|detect faces|play a sound|record audio|train a neural network|classify text|translate text|summarise a document
a calculator class|a bank account class|a class that adds two numbers|an async function that adds two numbers|a calculator with add and subtract|a module with add, subtract and multiply|a stopwatch|an alarm clock|a calendar|a currency converter|a unit converter|convert euros to dollars|a password generator|a random number generator|roll a dice|shuffle a list|pick a random item from a list|generate a UUID|hash a password|encrypt a string|decode base64|caesar cipher|encode morse code|roman numerals to integers|convert a number to binary|convert hex to decimal|convert a list to a string|validate an email address|validate a phone number|check whether a year is a leap year|compute the age from a birth date|format a date|the day of the week|compute compound interest|compute the area of a circle|the distance between two points|solve a quadratic equation|matrix determinant|transpose a matrix|dot product of two vectors|the intersection of two lists|the union of two sets|zip two lists|merge two dictionaries|invert a dictionary|group a list by a key|chunk a list|rotate a list|find an item in a list|check whether a list contains a value|length of a string|concatenate two strings|repeat a string|trim a string|replace text in a string|split a string by commas|find a substring|levenshtein distance|a regular expression for emails|a logger|a cache with expiry|a rate limiter|retry with backoff|a thread pool|an event emitter|a state machine|dependency injection container|a plugin system|a docker file|a github action|a kubernetes manifest|a bash script|an excel macro|a mobile app|a VS Code extension|a browser extension|a discord bot|a twitter clone|an online shop|a blog engine|a weather app|a map of the world|a timer|a spreadsheet|a pdf report|a poem|tell me a joke|what is the capital of France|who are you|hello|help|explain recursion|fix my code|refactor this file|write documentation|translate this to German|what is 2 + 2|how are you|make money|do my homework|the meaning of life|a hello world program|print hello world|collatz sequence|pascal's triangle|perfect numbers|armstrong numbers|happy numbers|bubble sort|merge sort|quick sort|heap sort|insertion sort|two sum|valid parentheses|longest common subsequence|longest substring without repeats|climbing stairs|edit distance|coin change|maximum subarray|best time to sell stocks|a trie|an LRU cache|a bloom filter|a calculator|a parser for arithmetic expressions
""".replace("\n", "|").strip("|").split("|")

EXTRA = [" and writes it to a file", " with a web interface", " as a REST API", " as a class", " with caching", " with memoisation", " using recursion", " asynchronously", " in parallel", " and logs the result",
         " ignoring negative numbers", " ignoring case", " ignoring punctuation", " and prints a chart", " with a GUI", " for large numbers using threads", " and sends it by email", " from the command line", " read from a file",
         " for complex numbers", " from a database", " and rounds it to two decimals", " without using loops", " with error handling and logging", " as a generator", " for matrices", " over the network", " and stores it in a cookie",
         " as a decorator", " as a CLI tool", " and raise an exception otherwise", " with a progress bar", " for a dictionary", " of a tree", " in a spreadsheet", " for every row of a table"]
OTHER_LANGUAGES = ["Rust", "Go", "Java", "C++", "C", "Ruby", "JavaScript", "JS", "Kotlin", "Swift", "PHP", "Haskell", "Perl", "Scala", "Lua", "bash", "SQL", "C#", "R", "Dart", "Elixir", "Zig", "javascript", "go", "rust", "java"]
SWAPS = [("two ", ["three ", "four ", "five ", "several "]), ("list", ["dictionary", "tree", "matrix", "file", "table", "graph"]), ("array", ["matrix", "dictionary", "stack", "heap"]),
         ("string", ["file", "list", "document", "JSON object", "url", "date"]), ("text", ["file", "document", "web page"]), ("number", ["matrix", "date", "fraction", "vector", "password", "file"]), ("numbers", ["matrices", "dates", "strings", "vectors", "colours", "files"])]


def sentence(core: str, r: random.Random) -> str:
    """A core such as "add three numbers" or "a snake game" in the same frames as real goals."""
    word = r.choice(LANGUAGE_WORDS[r.choice(["python", "typescript"])])
    roll = r.random()
    if roll < 0.15:
        text = core
    elif roll < 0.35:
        text = f"{core} in {word}"
    elif core.startswith(("a ", "an ", "the ")):
        text = f"{r.choice(OPENERS)} {core}" + r.choice(["", f" in {word}", f" with {word}", f" using {word}"])
    else:
        link = r.choice([" to {}", " that can {}", ": {}", " that {s}", " which {s}"])
        text = f"{r.choice(OPENERS)} {r.choice(THINGS).replace('{L}', word)}"
        first, _, rest = core.partition(" ")
        text += link.replace("{s}", conjugate("{" + first + "} " + rest, "third") if first.isalpha() and first.islower() else core).replace("{}", core)
    return text + r.choice(TAILS)


def swapped(r: random.Random) -> str:
    """A goal of the domain with one word that takes it outside."""
    for _ in range(50):
        text = make_goal(r.choice(list(FAMILIES.values())), r).text
        old, new = r.choice(SWAPS)
        if re.search(rf"\b{old.strip()}\b", text):
            return re.sub(rf"\b{old.strip()}\b", r.choice(new).strip(), text, count=1)
    return "a graph library"


def joined(r: random.Random) -> str:
    """Two jobs in one goal: several functions are outside the domain."""
    a, b = r.sample(list(FAMILIES.values()), 2)
    first, second = (conjugate(describe(f, r, False), "third").replace("{n}", str(r.randint(2, 50))) for f in (a, b))
    word = r.choice(LANGUAGE_WORDS[r.choice(["python", "typescript"])])
    return f"{r.choice(OPENERS)} {r.choice(THINGS).replace('{L}', word)} that {first} and {r.choice(['', 'also ', 'then '])}{second}{r.choice(TAILS)}"


def with_extra(r: random.Random) -> str:
    f = r.choice(list(FAMILIES.values()))
    text = conjugate(describe(f, r, False), "third").replace("{n}", str(r.randint(2, 50))) + r.choice(EXTRA)
    word = r.choice(LANGUAGE_WORDS[r.choice(["python", "typescript"])])
    return f"{r.choice(OPENERS)} {r.choice(THINGS).replace('{L}', word)} that {text}{r.choice(TAILS)}"


def other_language(r: random.Random) -> str:
    f = r.choice(list(FAMILIES.values()))
    base = describe(f, r, False).replace("{n}", str(r.randint(2, 50)))
    word = r.choice(OTHER_LANGUAGES)
    return r.choice([f"{conjugate(base, 'base')} in {word}", f"Write a {word} function that {conjugate(base, 'third')}", f"{r.choice(OPENERS)} a {word} function to {conjugate(base, 'base')}{r.choice(TAILS)}"])


def negative(r: random.Random) -> str:
    kind = r.random()
    if kind < 0.42:
        text = sentence(r.choice(NEAR), r)
    elif kind < 0.65:
        text = sentence(r.choice(UNRELATED), r)
    elif kind < 0.75:
        text = swapped(r)
    elif kind < 0.83:
        text = joined(r)
    elif kind < 0.92:
        text = with_extra(r)
    else:
        text = other_language(r)
    style = r.random()
    if style < 0.2:
        text = text.lower()
    elif style < 0.7:
        text = text[:1].upper() + text[1:]
    text = re.sub(r"\s+", " ", text).strip()
    return text + ("." if r.random() < 0.2 and text[-1] not in ".?!" else "")
