// Lets the service be installed as an app, where the page says that it may be.

if (document.querySelector("link[rel=manifest]")) {
  // Browsers that refuse (private windows, plain http) show the page all the same.
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
}
