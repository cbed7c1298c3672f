/** The key with the empty name: nothing stands in the address after its database. */
export { default, generateMetadata } from './[keyBase64Url]/page.tsx'
