import '@fontsource-variable/inter/index.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './globals.css'
import { ColorSchemeScript, mantineHtmlProps } from '@mantine/core'
import type { Metadata, Viewport } from 'next'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import { listCaches } from '../store/caches.ts'
import { listCollectors } from '../store/collectors.ts'
import { listMitigations } from '../store/mitigations.ts'
import { ClockProvider } from './_components/clock.tsx'
import { CollectorBanner } from './_components/collector-banner.tsx'
import { LiveProvider } from './_components/live.tsx'
import { MitigateProvider } from './_components/mitigations/mitigate.tsx'
import { MitigationBanner } from './_components/mitigations/mitigation-banner.tsx'
import { Providers } from './_components/providers.tsx'
import classes from './_components/shell.module.css'
import { TopBar } from './_components/top-bar.tsx'
import { plural } from './_lib/format.ts'
import { load } from './_lib/load.ts'

export const metadata: Metadata = {
  title: { default: 'Cachescope', template: '%s · Cachescope' },
  description: 'Load per shard, hit rate, replication lag and the hot key of every cache',
  robots: { index: false, follow: false },
}

export const viewport: Viewport = {
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#ffffff' },
    { media: '(prefers-color-scheme: dark)', color: '#12151b' },
  ],
}

/** More are counted as so many; the banner names one. */
const MAX_RUNNING = 200

export default async function RootLayout({ children }: { children: ReactNode }) {
  await connection()
  const shell = await load(async (store, now) => {
    const [caches, collectors, mitigations] = await Promise.all([
      listCaches(store, now),
      listCollectors(store, now),
      listMitigations(store, { running: true, limit: MAX_RUNNING }),
    ])
    return { caches, collectors, running: mitigations.items }
  })
  const { caches, running } = shell.ok ? shell.value : { caches: [], running: [] }
  return (
    <html lang="en" {...mantineHtmlProps}>
      <head>
        <ColorSchemeScript defaultColorScheme="auto" />
      </head>
      <body>
        <Providers>
          <ClockProvider now={Date.now()}>
            <LiveProvider>
              <MitigateProvider caches={caches.map(({ cacheId, kind }) => ({ cacheId, kind }))}>
                <a href="#main" className={classes.skip}>
                  Skip to the content
                </a>
                <TopBar
                  caches={caches.map(({ cacheId, health }) => ({ cacheId, health }))}
                  running={running.length}
                />
                <main id="main" tabIndex={-1} className={classes.main}>
                  {shell.ok && caches.length > 0 && (
                    <CollectorBanner collectors={shell.value.collectors} now={shell.now} />
                  )}
                  <MitigationBanner running={running} />
                  {children}
                </main>
                <footer className={classes.footer}>
                  <span>Cachescope</span>
                  {shell.ok && <span>{plural(shell.value.collectors.length, 'collector')}</span>}
                  <a href="/api/v1/openapi.json">API</a>
                </footer>
              </MitigateProvider>
            </LiveProvider>
          </ClockProvider>
        </Providers>
      </body>
    </html>
  )
}
