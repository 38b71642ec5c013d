"""What makes configuration unsafe: secrets, isolation, permissions, exposure, protections switched off."""
