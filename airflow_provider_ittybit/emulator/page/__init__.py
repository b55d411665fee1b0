"""The page that a person sees at the emulator's api port: what media there is, and how its processing stands."""
