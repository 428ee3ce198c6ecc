// Runs before the first paint, so that neither the theme nor the width of the
// list visibly changes. Not a module: modules wait for the whole page.
(() => {
  const root = document.documentElement;
  const colours = [...document.querySelectorAll('meta[name="theme-color"]')];
  const ofSystem = colours.map(({ content }) => content);
  root.classList.replace('no-script', 'has-script');
  const applyTheme = () => {
    try {
      const theme = JSON.parse(localStorage.getItem('tidings.theme'));
      const at = ['light', 'dark'].indexOf(theme);
      if (at < 0) delete root.dataset.theme;
      else root.dataset.theme = theme;
      // The browser's own bars follow the theme.
      colours.forEach((colour, own) => { colour.content = ofSystem[at < 0 ? own : at]; });
      const width = Number(localStorage.getItem('tidings.side'));
      if (width >= 240) root.style.setProperty('--side', `${width}px`);
    } catch {
      // If storage is switched off, the system's theme applies.
    }
  };
  applyTheme();
  // Another tab or the settings page has changed the theme.
  addEventListener('storage', ({ key }) => key === 'tidings.theme' && applyTheme());
})();
