# When a store makes itself durable: "close", "put" or "never".
sync_policy <- function(runtime) "close"
