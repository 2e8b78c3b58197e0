"""The echo module: it says what it hears, a second later. It proves taps, and shows how a module is written."""
