import { notFound } from 'next/navigation'

/**
 * An address that no page has. Next's own answer to it cannot be read again in place: every live update would
 * load the whole page anew, without end.
 */
export default function UnknownPage(): never {
  notFound()
}
