/** The part of the page that a phone's keyboard leaves: the place to write
 * stays above it, and the head stays where it is, also in browsers that lay
 * the keyboard over the page (iOS). */

export function followViewport(view = window.visualViewport) {
  if (!view) return;
  const { style } = document.documentElement;
  const fit = () => {
    // Who zooms in wants to see less of the page, not a smaller page.
    const isCovered = view.scale < 1.01 && view.height < innerHeight - 1;
    for (const [name, size] of [['--seen', view.height], ['--seen-from', view.offsetTop]]) {
      if (isCovered) style.setProperty(name, `${size}px`);
      else style.removeProperty(name);
    }
  };
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  fit();
}
