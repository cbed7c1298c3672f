'use client'

/** The last resort: the layout itself failed, so nothing of it can be used. */
export default function GlobalError({ error }: { error: Error & { digest?: string } }) {
  return (
    <html lang="en">
      <body
        style={{ fontFamily: 'system-ui, sans-serif', maxWidth: 640, margin: '64px auto', padding: '0 16px' }}
      >
        <title>Error · Cachescope</title>
        <h1 style={{ fontSize: 20 }}>Cachescope could not show this page</h1>
        <p>
          Your caches are not affected. The dashboard’s log has the details
          {error.digest === undefined ? '.' : ` under ${error.digest}.`}
        </p>
        <p>
          <a href="/">Open the fleet</a>
        </p>
      </body>
    </html>
  )
}
