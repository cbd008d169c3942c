//! The ground floor: bytes become events here. No sockets, clocks, threads, randomness or logs.
