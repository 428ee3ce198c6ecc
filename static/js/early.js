// Runs before anything is drawn, so that neither the theme nor the width of
// the list is seen to change. Not a module: those wait for the whole page.
(() => {
  const root = document.documentElement;
  const colours = [...document.querySelectorAll('meta[name="theme-color"]')];
  const ofSystem = colours.map(({ content }) => content);
  root.classList.replace('no-script', 'has-script');
  const dress = () => {
    try {
      const theme = JSON.parse(localStorage.getItem('tidings.theme'));
      const at = ['light', 'dark'].indexOf(theme);
      if (at < 0) delete root.dataset.theme;
      else root.dataset.theme = theme;
      // What the browser puts around the page goes with it.
      colours.forEach((colour, own) => { colour.content = ofSystem[at < 0 ? own : at]; });
      const width = Number(localStorage.getItem('tidings.side'));
      if (width >= 240) root.style.setProperty('--side', `${width}px`);
    } catch {
      // Storage may be switched off: then it looks as the system says.
    }
  };
  dress();
  // Another tab, or the settings, have switched it.
  addEventListener('storage', ({ key }) => key === 'tidings.theme' && dress());
})();
