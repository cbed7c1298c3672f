/** As heartbeats name the library; a test compares it with package.json. */
export const LIBRARY = '@cachescope/client 0.1.0'
