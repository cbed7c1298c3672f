import Link from 'next/link'
import { type CacheChoice, CacheSwitcher } from './cache-switcher.tsx'
import { Keyboard } from './keyboard.tsx'
import { LiveIndicator } from './live-indicator.tsx'
import { Nav } from './nav.tsx'
import { RangePicker } from './range-picker.tsx'
import { ThemeToggle } from './theme-toggle.tsx'
import classes from './top-bar.module.css'

/** `running`: how many mitigations are not off. */
export function TopBar({ caches, running }: { caches: CacheChoice[]; running: number }) {
  return (
    <header className={classes.bar}>
      <div className={classes.inner}>
        <Link prefetch={false} href="/" className={classes.brand} aria-label="Cachescope, fleet">
          <Mark />
          <span className={classes.brandName}>Cachescope</span>
        </Link>
        <Nav running={running} />
        <CacheSwitcher caches={caches} />
        <div className={classes.spacer} />
        <RangePicker />
        <div className={classes.tools}>
          <LiveIndicator />
          <Keyboard caches={caches} />
          <ThemeToggle />
        </div>
      </div>
    </header>
  )
}

function Mark() {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1" y="11" width="4.4" height="8" rx="1.2" fill="var(--cs-muted)" />
      <rect x="7.8" y="1" width="4.4" height="18" rx="1.2" fill="var(--cs-accent)" />
      <rect x="14.6" y="13" width="4.4" height="6" rx="1.2" fill="var(--cs-muted)" />
    </svg>
  )
}
