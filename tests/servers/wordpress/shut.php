<?php
// As security plugins do: the REST interface is for those who sign in, while an option says so.
add_filter('rest_authentication_errors', function ($error) {
    $refusal = new WP_Error('rest_not_logged_in', 'You are not signed in.', ['status' => 401]);
    return get_option('digest_rest_shut') ? $refusal : $error;
});
