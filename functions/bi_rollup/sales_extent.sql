-- The oldest and the newest sale of a known company between two instants.
SELECT MIN(sale.{market[timestamp]}) AS oldest, MAX(sale.{market[timestamp]}) AS newest
FROM {market[table]} AS sale
WHERE sale.{market[timestamp]} >= @since AND sale.{market[timestamp]} < @until AND sale.{market[company]} IS NOT NULL
