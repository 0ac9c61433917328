"""What the engines of services on the internet share: what is asked, how it is bought, what comes of it."""
