times <- c(2, 3, 3, 5, 8, 9, 12, 15, 21, 40)
set.seed(1)
medians <- replicate(10000, median(sample(times, replace = TRUE)))
print(sd(medians))
