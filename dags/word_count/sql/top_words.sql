-- The ten most frequent words, each with its share of the occurrences in the table.
SELECT
    word,
    occurrences,
    round(occurrences * 1.0 / sum(occurrences) OVER (), 4) AS share
FROM {{ settings.database }}.word_counts
ORDER BY occurrences DESC, word
LIMIT 10
