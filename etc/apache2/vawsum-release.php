<?php
// The witness of a deploy: tells which release this PHP worker takes for the current one. See docs/deploy-proof.md.
// Served by vawsum-release-proof.conf, to this host alone. It has to be run by the workers that run the application.
//
// It resolves the document root as the application's own requests do, by what this worker remembers of symbolic links
// (realpath_cache_ttl). So nothing here may call clearstatcache(true): a witness that looks anew knows nothing.

$path = realpath($_SERVER['DOCUMENT_ROOT'] ?? '');
$release = preg_match('#/releases/([^/]+)(?:/|$)#', (string) $path, $found) ? $found[1] : null;

// OPcache goes by the path that is asked for, such as .../current/public/index.php, and gives the code it found there
// earlier, for `keeps_s` seconds, -1 for good. Only one that began (`since`) after the switch can't know older code.
$since = null;
$keeps_s = 0;
if (extension_loaded('Zend OPcache') && filter_var(ini_get('opcache.enable'), FILTER_VALIDATE_BOOLEAN)) {
    $status = function_exists('opcache_get_status') ? @opcache_get_status(false) : false;
    $is_told = is_array($status) && isset($status['opcache_statistics']);
    $is_hidden = !$is_told && (!function_exists('opcache_get_status') || ini_get('opcache.restrict_api') !== '');
    if ($is_told || $is_hidden) {
        $is_on = static fn (string $name): bool => filter_var(ini_get($name), FILTER_VALIDATE_BOOLEAN);
        $statistics = $status['opcache_statistics'] ?? [];
        $since = max($statistics['start_time'] ?? 0, $statistics['last_restart_time'] ?? 0);
        $is_for_good = !$is_on('opcache.validate_timestamps') && !$is_on('opcache.revalidate_path');
        $keeps_s = $is_for_good || (string) ini_get('opcache.preload') !== '' ? -1 : (int) ini_get('opcache.revalidate_freq');
    }
}

// Requests that come together are thereby answered by different workers.
usleep(20000);

header('Content-Type: application/json');
header('Cache-Control: no-store');
echo json_encode([
    'release' => $release,
    'path' => $path === false ? null : $path,
    'pid' => getmypid(),
    'opcache' => ['since' => $since, 'keeps_s' => $keeps_s],
], JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
