"""What the edges share that speak to browsers and other services: views, errors, permissions. Knows DRF."""
